"""What crosses a boundary, defined once. Standard library only, so that every runtime can import it."""
