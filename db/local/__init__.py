"""A real PostgreSQL and a real Redis as children of this process, for laptops, tests and checks.

Standard library only: `dev` imports this before anything is installed. Nothing in production imports it.
"""
