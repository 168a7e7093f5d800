"""Records as columns, without an object for each: machine code scans the text and fills Arrow's buffers."""
