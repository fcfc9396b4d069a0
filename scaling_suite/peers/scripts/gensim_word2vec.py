"""gensim: word2vec of 100 dimensions, one pass over the text; what was learnt is not written."""

import os
import sys

from gensim.models import Word2Vec

Word2Vec(corpus_file=sys.argv[1], vector_size=100, epochs=1, workers=os.cpu_count() or 1)
