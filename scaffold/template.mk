.PHONY: template
template: setup ## make a project of each engine, with and without the sample, and run its lint and tests
	$(BIN)/python -m scaffold.new.trial $(TRIAL)
