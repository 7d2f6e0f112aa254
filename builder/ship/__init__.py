"""Shipping: the image in the forms that hypervisors take, its papers, and the nodes deployed from it."""
