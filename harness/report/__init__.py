"""Reports: one JSON document is the truth (`models`), made from what happened (`build`); everything else is a view of it."""
