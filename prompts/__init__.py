"""What is spoken: texts per language, speech engines, rendering."""
