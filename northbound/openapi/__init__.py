"""OpenAPI 3.1 description of all the APIs, made from their declarations, and a page to read it."""
