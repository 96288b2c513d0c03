# test/differential/mariadb.pl — random queries give the same pushed, kept here, and on a local copy.
use strict;
use warnings;
use lib 'test/differential';
use Differential;

run_differential('mariadb', 'one-table' => 0.12, order => 0.06, limit => 0.06);
