"""The description of all the APIs in the words of OpenAPI 3.1, made from their declarations, and a page to read it."""
