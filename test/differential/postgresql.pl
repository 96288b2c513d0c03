# test/differential/postgresql.pl — random queries give the same pushed, kept here, and on a local copy.
use strict;
use warnings;
use lib 'test/differential';
use Differential;

run_differential('postgresql', 'one-table' => 0.15, order => 0.08, limit => 0.08);
