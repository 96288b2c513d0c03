# test/differential/sqlite.pl — random queries give the same pushed, kept here, and on a local copy.
use strict;
use warnings;
use lib 'test/differential';
use Differential;

run_differential('sqlite', 'one-table' => 0.1, join => 0.03, group => 0.04, distinct => 0.06, window => 0.06, order => 0.05, limit => 0.08, write => 0.1);
