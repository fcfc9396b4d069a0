"""One trainer a file: `python FILE CORPUS FOLDER` trains on CORPUS and may write to FOLDER. Nothing imports them."""
