"""A page of stored rows as a response, in the format that was asked for."""

from flask import Response

from app.api_gaps import gaps_header
from app.api_page import Gaps, Page, as_csv, as_json
from app.api_query import Query


def reply(page: Page, gaps: Gaps, query: Query, now: int, name: str) -> Response:
    """JSON, or a CSV file called `name`."""
    if not query.is_csv:
        return uncached(Response(as_json(page, gaps, now), mimetype="application/json"))
    response = Response(as_csv(page), mimetype="text/csv")
    response.headers["X-Gaps"] = gaps_header(gaps)
    response.headers["X-Next-Cursor"] = page.next_cursor or ""
    response.headers["Content-Disposition"] = f'inline; filename="{name}.csv"'
    return uncached(response)


def uncached(response: Response) -> Response:
    """To be asked for again each time."""
    response.cache_control.no_cache = True
    return response
