"""A Dash app with one callback that says nothing: what any Dash app on this gunicorn costs at the least."""

from dash import Dash, Input, Output, dcc, html

app = Dash("empty", use_async=False, compress=True, serve_locally=True)
app.layout = html.Div([dcc.Store(id="tick"), dcc.Store(id="live")])
server = app.server


@app.callback(Output("live", "data"), Input("tick", "data"), prevent_initial_call=True)
def _refresh(_tick: object) -> dict[str, object]:
    return {}
