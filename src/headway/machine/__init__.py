"""This machine's files, directory trees and ports, handled as every room must handle them.

Files are there as a whole or not at all; trees are handled never through a link, however deep.
"""
