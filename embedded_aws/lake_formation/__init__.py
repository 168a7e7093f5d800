"""Lake Formation: who may do what with databases and tables, and the credentials to read their files with."""
