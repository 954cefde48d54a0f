"""The rules of payment, one idea a module: integers in, integers out, no frame, no policy file."""
