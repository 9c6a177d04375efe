"""Stand-ins for decoders that others have written code for.

Each has the names, arguments and results of the original, over the searches of widebeam.
"""
