"""What can go wrong with a store, one name for each question a caller has."""


class StoreUnavailable(Exception):
    """A store did not answer in time or refused; trying again later may help. Says which one and why."""


class StoreBusy(StoreUnavailable):
    """The store works and did not take this in time: another holds a lock on it, or it is slow."""


class AccessRefused(StoreUnavailable):
    """The store does not let us in: the name or password is not, or not any more, the right one."""


class BatchRefused(Exception):
    """The database refuses rows for a reason that another try would not mend. Says which reason."""


class SchemaMismatch(Exception):
    """The database's schema is not the one this code needs. Says both versions."""
