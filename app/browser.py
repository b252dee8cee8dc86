"""Callbacks that run in the browser, in `assets/*.js`."""

from dash import ClientsideFunction, Dash, Input, Output


def in_browser(app: Dash, function: str, *parts: Output | Input) -> None:
    """Let `function` ("namespace.name") compute these outputs from these inputs."""
    namespace, name = function.split(".")
    app.clientside_callback(ClientsideFunction(namespace, name), *parts)  # type: ignore[no-untyped-call]  # Dash has no types here
