"""The Status page: feeds, workers, stores and the ledger of gaps."""
