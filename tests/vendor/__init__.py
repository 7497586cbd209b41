"""Compares the catalog with the vendor's own packages: `make check-vendor`.

This is for maintainers, and needs a package index; what ships doesn't know of it.
"""
