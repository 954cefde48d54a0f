"""Schemes: tables read and checked, rules parsed, overlays applied, compiled for the kernel."""
