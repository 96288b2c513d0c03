# test/tap/Sessions.pm — several sessions at once in one test: each runs a statement that others may see running.
package Sessions;
use strict;
use warnings;
use DBD::Pg ':async';
use DBI;
use Exporter 'import';
use Time::HiRes qw(sleep time);

our @EXPORT = qw(session run start finish pid_of);

# A session of the hub.
sub session
{
	my ($hub, %options) = @_;
	my $database = $options{database} // 'postgres';
	my $user = $options{user} // $ENV{PGUSER} // (getpwuid($<))[0];
	return DBI->connect("dbi:Pg:dbname=$database;host=" . $hub->host . ';port=' . $hub->port, $user, undef,
		{ RaiseError => 0, PrintError => 0, PrintWarn => 0, AutoCommit => 1, pg_server_prepare => 0 }) // die $DBI::errstr;
}

# Run a statement to its end: its first value, or the SQLSTATE.
sub run
{
	my ($session, $sql) = @_;
	start($session, $sql);
	return finish($session);
}

# Begin one; finish gives what run gives, and in a list the message and the seconds since start too.
my %running;

sub start
{
	my ($session, $sql) = @_;
	my $statement = $session->prepare($sql, { pg_async => PG_ASYNC });
	$running{$session} = [ $statement, time ];
	$statement->execute;
	return;
}

sub finish
{
	my ($session, $seconds) = @_;
	my ($statement, $started) = @{ delete $running{$session} };
	my $until = time + ($seconds // 60);
	until ($session->pg_ready)
	{
		die "a statement did not end\n" if time > $until;
		sleep 0.005;
	}
	my $done = $session->pg_result;
	my $value = !defined $done ? $session->state : $statement->{NUM_OF_FIELDS} ? ($statement->fetchrow_array)[0] : 'done';
	my $message = defined $done ? '' : $session->errstr;
	return wantarray ? ($value, $message, time - $started) : $value;
}

sub pid_of
{
	my ($session) = @_;
	return $session->{pg_pid};
}

1;
