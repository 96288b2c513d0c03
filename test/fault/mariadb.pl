# Whatever becomes of a message between the hub and MariaDB, in clear text or under TLS: see Fault.pm.
use strict;
use warnings;
use lib 'test/tap';
use Hub;
use Fault;
use PostgreSQL::Test::Utils;
use Test::More;

my $hub = new_hub('fault_mariadb', "max_connections = 60\nrestart_after_crash = off\n");
prepare_source('mariadb', 1 .. 6);
run_faults($hub, 'mariadb', 6, 3, 'plain');
run_faults($hub, 'mariadb', 6, 2, 'tls', qr{test|connect|scan|insert|^commit|two-phase}, ssl_mode => 'require');
unlike(slurp_file($hub->logfile), qr/PANIC|terminated by signal/, 'no process crashed');
$hub->stop;
clean_source('mariadb', 1 .. 6);
done_testing();
