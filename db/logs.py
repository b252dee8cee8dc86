"""How both processes log: one event with fields a line, on stdout."""

import logging
import sys

import structlog

from db.setting_types import LogFormat
from db.settings import Settings


def configure_logs(settings: Settings) -> None:
    """Console lines for people, or JSON (`LOG_FORMAT=json`); stdlib records go the same way."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    structlog.configure(
        processors=[*_shared(settings.log_format), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(line_formatter(settings.log_format))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("urllib3", "websocket"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def line_formatter(log_format: LogFormat) -> logging.Formatter:
    """What makes a line of a record of the standard library, whoever logged it."""
    if log_format == "json":
        renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    else:
        plain = structlog.dev.plain_traceback
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=plain)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(log_format),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


def _shared(log_format: LogFormat) -> list[structlog.typing.Processor]:
    found: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    return [*found, structlog.processors.format_exc_info] if log_format == "json" else found
