# test/bench/Client.pm — one connection of the measuring client, client/client.c.
package Client;
use strict;
use warnings;
use IPC::Open2;

# The connections a run keeps, and how each is reached.
my %targets = (
	hub => sub { ('postgresql', "dbname=bench host=$ENV{PGHOST} port=$ENV{PGPORT} user=$ENV{PGUSER}") },
	pg => sub {
		('postgresql', "dbname=bench host=$ENV{CONNHUB_TEST_PG_HOST} port=$ENV{CONNHUB_TEST_PG_PORT} user=$ENV{CONNHUB_TEST_PG_USER} sslmode=disable");
	},
	my => sub { ('mariadb', @ENV{qw(CONNHUB_TEST_MY_HOST CONNHUB_TEST_MY_PORT CONNHUB_TEST_MY_USER)}, 'connhub_bench') },
	sqlite => sub { ('sqlite', $ENV{CONNHUB_TEST_SQLITE}) });
my %kept;

# A connection of one's own.
sub open_new
{
	my ($class, $target) = @_;
	local $ENV{PGPASSWORD} = $ENV{CONNHUB_TEST_PG_PASSWORD};
	local $ENV{BENCH_PASSWORD} = $ENV{CONNHUB_TEST_MY_PASSWORD};
	my $self = bless {}, $class;
	$self->{pid} = open2($self->{out}, $self->{in}, "$ENV{BENCH_FOLDER}/client", $targets{$target}->());
	$self->run('SET statement_timeout = ' . 1000 * ($ENV{BENCH_TIMEOUT} || 120)) if $target eq 'hub';
	return $self;
}

# The connection to a server that stays open for the whole run.
sub of
{
	my ($class, $target) = @_;
	return $kept{$target} //= $class->open_new($target);
}

sub close_all
{
	$_->close_now foreach values %kept;
	%kept = ();
	return;
}

sub close_now
{
	my ($self) = @_;
	close $self->{in};
	close $self->{out};
	waitpid $self->{pid}, 0;
	return;
}

# The answer to one command as { seconds, rows, text }; dies with the server's message.
sub ask
{
	my ($self, $verb, $argument, $sql) = @_;
	print { $self->{in} } "$verb $argument ", length $sql, "\n", $sql;
	$self->{in}->flush;
	my $line = readline $self->{out};
	my ($status, $seconds, $rows, $length) = split ' ', $line // '';
	die "the measuring client ended\n" unless defined $length;
	my $text = '';
	read($self->{out}, $text, $length) == $length or die "the measuring client ended\n";
	if ($status ne 'ok')
	{
		my ($first) = split /\n/, $text;
		die "$first\n";
	}
	return { seconds => $seconds, rows => $rows, text => $text };
}

sub run { my ($self, $sql) = @_; return $self->ask('time', '-', $sql); }
sub rows { my ($self, $sql) = @_; return $self->ask('rows', '-', $sql)->{text}; }

# The first value of the first row.
sub value
{
	my ($self, $sql) = @_;
	my ($value) = split /[\t\n]/, $self->rows($sql);
	my %letters = (t => "\t", n => "\n", r => "\r", '\\' => '\\');
	$value =~ s/\\(.)/$letters{$1}/g;
	return $value;
}

1;
