# Claim: sources of documents read the shop as the SQL sources do, and what they take over means the same there.
use strict;
use warnings;
use lib 'test/tap';
use Hub;

# Beside the suite of the others, since these servers are slow; SQLite is what they are compared with.
our @sources = qw(sqlite mongodb ferretdb);
do './test/conformance/conformance.pl' or die $@ || $!;
