# test/differential/sqlite.pl — random queries give the same pushed, kept here, and on a local copy.
use strict;
use warnings;
use lib 'test/differential';
use Differential;

run_differential('sqlite', 'one-table' => 0.1, order => 0.04, limit => 0.06);
