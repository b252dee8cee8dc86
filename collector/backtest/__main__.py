"""`python -m collector.backtest --venue … --symbol … --interval … --from … --to …`; --help tells the rest."""

import functools
import sys
from collections.abc import Sequence

from collector.backtest.options import Unusable, check_names, read_options
from collector.backtest.play import play
from collector.backtest.report import tables, write_files
from collector.piping import run_piped
from db.errors import StoreUnavailable
from db.history.engine import writer_engine
from db.history.reader import HistoryReader
from db.settings import load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the scoreboard and write the files; 1 with a line that says why where that cannot be."""
    loaded = functools.cache(load_settings)
    options = read_options(sys.argv[1:] if arguments is None else arguments, loaded)
    settings = loaded()
    engine = writer_engine(settings.database_read_url or settings.database_url, connections=1)
    reader = HistoryReader(engine)
    try:
        check_names(options, reader.instruments())
        record = play(reader, options, settings.signal_settings, _show_progress)
        written = write_files(options, record)  # first: whoever reads the tables may stop in the middle
        print(tables(options, record))
        for path in written:
            print(f"wrote {path}")
    except BrokenPipeError:
        raise  # nobody reads the tables: no fault of ours to tell of
    except (Unusable, StoreUnavailable, OSError) as error:
        print(f"backtest: {error}", file=sys.stderr)
        return 1
    finally:
        engine.dispose()
    return 0


def _show_progress(done: int, of: int) -> None:
    end = "\r" if sys.stderr.isatty() else "\n"
    print(f"played {100 * done // of} %", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    run_piped(main)
