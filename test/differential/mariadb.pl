# test/differential/mariadb.pl — random queries give the same pushed, kept here, and on a local copy.
use strict;
use warnings;
use lib 'test/differential';
use Differential;

run_differential('mariadb', 'one-table' => 0.2, join => 0.12, group => 0.06, distinct => 0.1, window => 0.05, order => 0.12, limit => 0.2, write => 0.2);
