"""`/api/openapi.json` and `/api/docs`: the API described for programs, and tried from a page."""
