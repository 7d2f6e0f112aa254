"""The papers beside an image: what is in it, how it was made, and the digests and signature to check them by.

All are made from the manifest alone, so the same manifest gives the same papers.
"""
