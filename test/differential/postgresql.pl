# test/differential/postgresql.pl — random queries give the same pushed, kept here, and on a local copy.
use strict;
use warnings;
use lib 'test/differential';
use Differential;

run_differential('postgresql', 'one-table' => 0.25, join => 0.2, group => 0.15, distinct => 0.2, window => 0.15, order => 0.2, limit => 0.25, write => 0.3);
