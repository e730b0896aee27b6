"""HTTP/1.1 connections: strict parsing of request heads, time limits, connection limits."""
