"""The document around the app: the theme is chosen and the bar is drawn before any script is loaded."""

from app.security import script_hash

THEME_KEY = "tickdeck-theme"
"""Where the browser keeps the chosen theme (`assets/theme.js` writes it)."""

PALETTE_KEY = "tickdeck-palette"
SWAP_KEY = "tickdeck-swap"
"""Where it keeps the colours of up and down (`assets/10-settings.js` writes them)."""

FIRST_PAINT = f"""(function(){{var t=null,p=null,s=null;try{{t=localStorage.getItem("{THEME_KEY}");\
p=localStorage.getItem("{PALETTE_KEY}");s=localStorage.getItem("{SWAP_KEY}")}}catch(e){{}}\
if(t!=="light"&&t!=="dark")t=matchMedia("(prefers-color-scheme: light)").matches?"light":"dark";\
if(p!=="blueorange"&&p!=="classic")p="default";var d=document.documentElement;\
d.setAttribute("data-bs-theme",t);d.setAttribute("data-palette",s==="on"?p+" swap":p)}})()"""
FIRST_PAINT_HASH = script_hash(FIRST_PAINT)

GRID_THEME = {
    "function": "themeQuartz.withParams({"
    "backgroundColor:'var(--panel)', foregroundColor:'var(--text-2)', headerBackgroundColor:'var(--raised)', "
    "headerTextColor:'var(--text-3)', borderColor:'var(--line)', accentColor:'var(--accent)', "
    "rowHoverColor:'var(--hover)', headerColumnResizeHandleColor:'transparent', rowBorder:false, "
    "columnBorder:false, pinnedColumnBorder:false, wrapperBorder:false, wrapperBorderRadius:0, "
    "fontFamily:'inherit', fontSize:12.5, headerFontSize:11, headerFontWeight:600, spacing:4, "
    "cellHorizontalPadding:10})"
}
"""AG Grid's theme in our tokens, so that light and dark need no second one."""


def index_string() -> str:
    """Dash's page template. The skeleton has the app's measures, so nothing moves when the app takes over."""
    return f"""<!DOCTYPE html>
<html lang="en">
  <head>
    {{%metas%}}
    <meta name="color-scheme" content="dark light">
    <title>{{%title%}}</title>
    <link rel="icon" type="image/svg+xml" href="/assets/mark.svg">
    <script>{FIRST_PAINT}</script>
    {{%css%}}
  </head>
  <body>
    {{%app_entry%}}
    <div class="skeleton" aria-hidden="true"><div class="bar"><b class="name">Tickdeck</b></div>\
<div class="counts"></div><div class="skeleton-rows"></div></div>
    <footer>{{%config%}}{{%scripts%}}{{%renderer%}}</footer>
  </body>
</html>"""
