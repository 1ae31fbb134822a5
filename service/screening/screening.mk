# WATCHLIST=DIR: what is measured is measured with a real list.
DATA := $(if $(WATCHLIST),--watchlist "$(WATCHLIST)")
