"""Figures for managers: queries, pages, exports, the yearly report."""
