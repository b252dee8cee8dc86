"""The routes of the description, and Swagger UI over it: files of a package, from our own origin."""

from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Response, send_from_directory

from app.api_page import json_bytes
from app.errors import error
from app.openapi.parts import PARAMETERS, Example, error_responses
from app.openapi.paths import paths
from app.openapi.schemas import schemas
from app.security import content_security_policy, script_hash
from app.theme import FIRST_PAINT, FIRST_PAINT_HASH
from market import VERSION

DOCS = "/api/docs"
_FILES = Path(flask_swagger_ui.__file__).parent / "dist"
_SENT = ("swagger-ui.css", "swagger-ui-bundle.js")
_DAY_S = 86_400

_WORDS = """The same numbers as the pages, for programs. Times are epoch ms UTC, prices in quote, sizes in
base, missing is null. Errors are JSON: `{"error": {"code", "message", "field"}}`. Each address has
`API_RATE_LIMIT` requests.

[Back to the market](/)"""

START = """(function(){var d=document.documentElement;\
d.classList.toggle("dark-mode",d.getAttribute("data-bs-theme")==="dark");\
SwaggerUIBundle({url:"/api/openapi.json",dom_id:"#docs",deepLinking:true,tryItOutEnabled:true,validatorUrl:null,\
defaultModelsExpandDepth:0,displayRequestDuration:true,syntaxHighlight:{activated:false}})})()"""

_PAGE = f"""<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="dark light">
    <title>Tickdeck API</title>
    <link rel="icon" type="image/svg+xml" href="/assets/mark.svg">
    <script>{FIRST_PAINT}</script>
    <link rel="stylesheet" href="{DOCS}/swagger-ui.css">
    <style>body {{ margin: 0; overflow-wrap: anywhere }}</style>
  </head>
  <body>
    <div id="docs"></div>
    <script src="{DOCS}/swagger-ui-bundle.js"></script>
    <script>{START}</script>
  </body>
</html>
"""


def document(example: Example, *, has_login: bool = False) -> bytes:
    """The OpenAPI description, as JSON. `has_login`: whether name and password are asked for."""
    components = {"parameters": PARAMETERS, "responses": error_responses(), "schemas": schemas()}
    if has_login:
        components["securitySchemes"] = {"login": {"type": "http", "scheme": "basic"}}
    return json_bytes(
        {
            "openapi": "3.1.0",
            "info": {"title": "Tickdeck", "version": VERSION, "description": _WORDS},
            "servers": [{"url": "/"}],
            "security": [{"login": []}] if has_login else [],
            "paths": paths(example),
            "components": components,
        }
    )


def add_docs(api: Blueprint, example: Example, *, has_login: bool) -> None:
    """Add the routes."""
    description = document(example, has_login=has_login)
    policy = content_security_policy([FIRST_PAINT_HASH, script_hash(START)])

    @api.get("/openapi.json")
    def openapi() -> Response:
        return Response(description, mimetype="application/json")

    @api.get("/docs")
    def docs() -> Response:
        return Response(_PAGE, mimetype="text/html", headers={"Content-Security-Policy": policy})

    @api.get("/docs/<name>")
    def docs_file(name: str) -> Response:
        if name not in _SENT:
            return error(404, "not_found", f"there is no {DOCS}/{name}")
        found = send_from_directory(_FILES, name, max_age=_DAY_S)
        # Files are sent as streams, and streams are not compressed.
        found.direct_passthrough = False
        found.make_sequence()
        return found
