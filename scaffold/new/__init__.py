"""`hotpath new`: a project of its own, made from a clone of this one.

What is made has no part of this folder.
"""

PROJECT = "hotpath"
