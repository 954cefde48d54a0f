"""An optional HTTP service and page over the library's own calls; needs the extra ``service``.

Nothing a request brings is stored or logged. Importing this package loads nothing heavy.
"""
