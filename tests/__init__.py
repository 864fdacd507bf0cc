"""Tests, in folders that mirror the packages.

A package by name: one of the packages we test with installs a ``tests`` of its own, which would hide ours.
"""
