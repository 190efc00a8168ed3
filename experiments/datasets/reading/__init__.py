"""Reading files that users bring: looked at whole and refused or accepted before any is stored."""
