# test/fault/Proxy.pm - a stand-in for the faults that no real server produces on demand: between the hub and a real source it
# delays, stalls, cuts, shortens or alters the n-th message of a direction.
#
# Messages are told apart by their framing: PostgreSQL's version 3, MySQL's packets, and TLS records from where either
# protocol goes over to TLS.  What passes is not decoded, so TLS needs no key here.  A proxy is a process of its own with one
# port; who made it scripts it:
#
#   arm(direction, n, fault, every)   the fault strikes the n-th message from now on (of a new connection: from its start),
#                                     once, or on every connection there will be
#   heal()                            no fault any more; what was held goes on.  Returns how often the fault struck, and how many
#                                     messages passed in each direction since arm()
#   drop()                            cut all connections
#
# Directions are "client" (what the hub sends) and "server".  A fault is held back or altered where it stands in the stream: all
# before it has passed, nothing after it has.
package Proxy;
use strict;
use warnings;
use IO::Socket::INET;
use POSIX ();
use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC SOL_SOCKET SO_LINGER IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

our @faults = qw(delay stall fin rst truncate type length payload);

# What waits to be written at most, before no more is read.
my $MOST_BUFFERED = 1_000_000;
my $DELAY = 0.15;

# How long a connection that was cut with FIN waits for the other sides to close too.
my $LINGER = 5;

# ---- The side of the test ---------------------------------------------------------------------

sub new
{
	my ($class, $protocol, $host, $port) = @_;
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'tcp', Listen => 64) or die "listen: $!\n";
	socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!\n";
	my $pid = fork;
	die "fork: $!\n" unless defined $pid;
	if ($pid == 0)
	{
		close $ours;
		$SIG{PIPE} = 'IGNORE';
		$SIG{TERM} = $SIG{INT} = 'DEFAULT';
		eval { serve($listener, $theirs, $protocol, $host, $port); 1 } or warn "proxy: $@";
		POSIX::_exit(0);
	}
	close $theirs;
	my $self = bless { pid => $pid, control => $ours, port => $listener->sockport }, $class;
	close $listener;
	return $self;
}

sub port { return $_[0]{port} }

sub ask
{
	my ($self, $line) = @_;
	syswrite $self->{control}, "$line\n";
	my $answer = '';
	until ($answer =~ /\n/)
	{
		sysread($self->{control}, $answer, 4096, length $answer) or die "the proxy is gone\n";
	}
	chomp $answer;
	return $answer;
}

sub arm
{
	my ($self, $direction, $n, $fault, $every) = @_;
	$self->ask(join ' ', 'arm', $direction, $n, $fault, $every ? 1 : 0);
	return;
}

# Start counting, with no fault.
sub count { my ($self) = @_; $self->ask('arm none 0 none 0'); return; }

sub heal
{
	my ($self) = @_;
	my ($struck, $client, $server) = split / /, $self->ask('heal');
	return { struck => $struck, client => $client, server => $server };
}

sub struck { return $_[0]->ask('struck') }
sub drop { $_[0]->ask('drop'); return; }
sub connections { return $_[0]->ask('connections') }

sub stop
{
	my ($self) = @_;
	kill 'KILL', $self->{pid};
	waitpid $self->{pid}, 0;
	return;
}

# ---- The proxy itself -------------------------------------------------------------------------

my ($protocol, %pairs, %armed, $struck, %passed, $now);

sub serve
{
	my ($listener, $control, $host, $port);
	($listener, $control, $protocol, $host, $port) = @_;
	%armed = (direction => 'none');
	$struck = 0;
	%passed = (client => 0, server => 0);
	my $commands = '';
	while (1)
	{
		$now = time;
		my ($read, $write, %at, $wake) = ('', '');
		foreach my $socket ($listener, $control)
		{
			vec($read, fileno $socket, 1) = 1;
		}
		foreach my $pair (values %pairs)
		{
			foreach my $flow (@{ $pair->{flows} })
			{
				vec($read, fileno $flow->{from}, 1) = 1, $at{ 'r' . fileno $flow->{from} } = $flow if wants_input($flow);
				vec($write, fileno $flow->{to}, 1) = 1, $at{ 'w' . fileno $flow->{to} } = $flow if length $flow->{out};
				$wake = $flow->{until} if $flow->{until} && (!$wake || $flow->{until} < $wake);
			}
			$wake = $pair->{gone_at} if $pair->{gone_at} && (!$wake || $pair->{gone_at} < $wake);
		}
		my $timeout = defined $wake ? $wake - $now : undef;
		$timeout = 0 if defined $timeout && $timeout < 0;
		next if select($read, $write, undef, $timeout) < 0;
		$now = time;
		foreach my $key (keys %at)
		{
			my $flow = $at{$key};
			my ($kind, $fd) = $key =~ /^(.)(\d+)$/;
			next if $flow->{pair}{closed} || !vec($kind eq 'r' ? $read : $write, $fd, 1);
			$kind eq 'r' ? take_in($flow) : give_out($flow);
		}
		accept_pair($listener, $host, $port) if vec($read, fileno $listener, 1);
		if (vec($read, fileno $control, 1))
		{
			sysread($control, $commands, 4096, length $commands) or return;
			obey($control, $1) while $commands =~ s/^(.*)\n//;
		}
		foreach my $pair (values %pairs)
		{
			close_pair($pair) if $pair->{gone_at} && $pair->{gone_at} <= $now;
			foreach my $flow (@{ $pair->{flows} })
			{
				next unless $flow->{until} && $flow->{until} <= $now && !$pair->{closed};
				delete $flow->{until};
				go_on($flow);
			}
		}
	}
	return;
}

sub obey
{
	my ($control, $line) = @_;
	my ($verb, @words) = split / /, $line;
	my $answer = 'done';
	if ($verb eq 'arm')
	{
		@armed{qw(direction n fault every)} = @words;
		$struck = 0;
		%passed = (client => 0, server => 0);
		foreach my $pair (values %pairs)
		{
			$_->{count} = 0 foreach @{ $pair->{flows} };
		}
	}
	elsif ($verb eq 'heal')
	{
		%armed = (direction => 'none');
		foreach my $flow (map { @{ $_->{flows} } } values %pairs)
		{
			next unless $flow->{stalled} && !$flow->{pair}{closed};
			$flow->{stalled} = 0;
			go_on($flow);
		}
		$answer = "$struck $passed{client} $passed{server}";
	}
	elsif ($verb eq 'struck') { $answer = $struck }
	elsif ($verb eq 'connections') { $answer = keys %pairs }
	elsif ($verb eq 'drop') { close_pair($_) foreach values %pairs }
	syswrite $control, "$answer\n";
	return;
}

sub accept_pair
{
	my ($listener, $host, $port) = @_;
	my $client = $listener->accept or return;
	my $server = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Proto => 'tcp');
	unless ($server)
	{
		reset_socket($client);
		return;
	}
	my %pair = (client => $client, server => $server, closed => 0);
	foreach my $side ([ client => $client, $server ], [ server => $server, $client ])
	{
		my ($direction, $from, $to) = @$side;
		$from->blocking(0);
		setsockopt($from, IPPROTO_TCP, TCP_NODELAY, 1);
		push @{ $pair{flows} }, {
			pair => \%pair, direction => $direction, from => $from, to => $to, in => '', out => '', left => 0, count => 0,
			framing => $protocol eq 'mysql' ? 'mysql' : $direction eq 'client' ? 'startup' : 'postgresql' };
	}
	$pairs{ \%pair } = \%pair;
	return;
}

sub wants_input
{
	my ($flow) = @_;
	return !$flow->{ended} && !$flow->{stalled} && !$flow->{until} && length($flow->{out}) < $MOST_BUFFERED;
}

sub take_in
{
	my ($flow) = @_;
	my $got = sysread $flow->{from}, $flow->{in}, 65536, length $flow->{in};
	if (!defined $got)
	{
		return if $!{EAGAIN} || $!{EINTR};
		return close_pair($flow->{pair}, 1);
	}
	$flow->{ended} = 1 if $got == 0;
	$flow->{in} = '' if $flow->{pair}{gone_at};
	return go_on($flow);
}

sub give_out
{
	my ($flow) = @_;
	my $sent = syswrite $flow->{to}, $flow->{out};
	if (!defined $sent)
	{
		return if $!{EAGAIN} || $!{EINTR};
		return close_pair($flow->{pair}, 1);
	}
	substr($flow->{out}, 0, $sent) = '';
	finish($flow);
	return;
}

# Let pass what has come in, up to the fault.
sub go_on
{
	my ($flow) = @_;
	forward($flow) unless $flow->{pair}{gone_at};
	return if $flow->{pair}{closed};
	give_out($flow) if length $flow->{out};
	finish($flow) unless $flow->{pair}{closed};
	return;
}

# Hand the end of a side on once all before it has passed.
sub finish
{
	my ($flow) = @_;
	return if length $flow->{out} || $flow->{stalled} || $flow->{until};
	if ($flow->{pair}{gone_at} || $flow->{ended})
	{
		shutdown $flow->{to}, 1 unless $flow->{shut}++;
		my ($other) = grep { $_ != $flow } @{ $flow->{pair}{flows} };

		# A client that is gone reads no more.
		close_pair($flow->{pair}) if $other->{ended} || ($flow->{ended} && $flow->{direction} eq 'client' && !length $flow->{in});
	}
	return;
}

# Header of the next message: its length, or undef when there is too little of it.
sub frame
{
	my ($flow) = @_;
	my $in = \$flow->{in};
	my $framing = $flow->{framing};
	if ($framing eq 'answer') { return length $$in >= 1 ? 1 : undef }
	if ($framing eq 'startup') { return length $$in >= 8 ? unpack('N', $$in) : undef }
	if ($framing eq 'postgresql') { return length $$in >= 5 ? 1 + unpack('x1 N', $$in) : undef }
	if ($framing eq 'mysql')
	{
		return undef if length $$in < ($flow->{direction} eq 'client' && !$flow->{begun} ? 8 : 4);
		return 4 + unpack('V', substr($$in, 0, 3) . "\0");
	}
	return length $$in >= 5 ? 5 + unpack('x3 n', $$in) : undef;
}

# What a message makes of the framing of those that follow.
sub note_message
{
	my ($flow, $length) = @_;
	my ($other) = grep { $_ != $flow } @{ $flow->{pair}{flows} };
	if ($flow->{framing} eq 'startup')
	{
		my $code = unpack 'x4 N', $flow->{in};
		if ($code == 80877103) { $other->{framing} = 'answer' }
		else { $flow->{framing} = 'postgresql' }
	}
	elsif ($flow->{framing} eq 'answer')
	{
		my $is_tls = substr($flow->{in}, 0, 1) eq 'S';
		$flow->{framing} = $is_tls ? 'tls' : 'postgresql';
		$other->{framing} = 'tls' if $is_tls;
	}
	elsif ($flow->{framing} eq 'mysql' && $flow->{direction} eq 'client' && !$flow->{begun}++ && $length == 36)
	{
		$flow->{framing} = $other->{framing} = 'tls';
	}
	return;
}

sub forward
{
	my ($flow) = @_;
	while (length $flow->{in})
	{
		if ($flow->{left} == 0)
		{
			my $length = frame($flow);
			last unless defined $length;
			$flow->{left} = $length < 1 ? length $flow->{in} : $length;
			my $framing = $flow->{framing};
			note_message($flow, $length);
			$flow->{count}++;
			$passed{ $flow->{direction} }++;
			if ($armed{direction} eq $flow->{direction} && $armed{n} == $flow->{count} && (!$struck || $armed{every}))
			{
				$struck++;
				return if strike($flow, $framing);
			}
		}
		my $size = length $flow->{in};
		$size = $flow->{left} if $size > $flow->{left};
		if (defined $flow->{cut_after})
		{
			$size = $flow->{cut_after} if $size > $flow->{cut_after};
			$flow->{cut_after} -= $size;
		}
		my $piece = substr $flow->{in}, 0, $size, '';
		$flow->{left} -= $size;
		if (defined $flow->{spoil_at})
		{
			if ($flow->{spoil_at} < $size)
			{
				substr($piece, $flow->{spoil_at}, 1) ^= "\x55";
				delete $flow->{spoil_at};
			}
			else { $flow->{spoil_at} -= $size }
		}
		$flow->{out} .= $piece;
		return cut($flow) if defined $flow->{cut_after} && $flow->{cut_after} == 0;
	}
	$flow->{out} .= $flow->{in}, $flow->{in} = '' if $flow->{ended};
	return;
}

# Byte of the header that tells what a message is, and the highest one of its length.
my %header = (postgresql => [ 0, 1 ], startup => [ 4, 0 ], answer => [ 0, 0 ], mysql => [ 3, 2 ], tls => [ 0, 3 ]);

# Returns true when nothing passes for now.
sub strike
{
	my ($flow, $framing) = @_;
	my $fault = $armed{fault};
	if ($fault eq 'delay') { $flow->{until} = $now + $DELAY; return 1 }
	if ($fault eq 'stall') { $flow->{stalled} = 1; return 1 }
	if ($fault eq 'fin') { cut($flow); return 1 }
	if ($fault eq 'rst')
	{
		give_out($flow) if length $flow->{out};
		close_pair($flow->{pair}, 1);
		return 1;
	}
	if ($fault eq 'truncate')
	{
		$flow->{cut_after} = int($flow->{left} / 2);
		cut($flow), return 1 if $flow->{cut_after} == 0;
	}
	elsif ($fault eq 'type') { substr($flow->{in}, $header{$framing}[0], 1) ^= "\x80" }
	elsif ($fault eq 'length') { substr($flow->{in}, $header{$framing}[1], 1) ^= "\x40" }
	elsif ($fault eq 'payload') { $flow->{spoil_at} = int($flow->{left} / 2) }
	return 0;
}

# Both sides see the connection end in order, after what has passed already.
sub cut
{
	my ($flow) = @_;
	$flow->{pair}{gone_at} = $now + $LINGER;
	foreach my $each (@{ $flow->{pair}{flows} })
	{
		$each->{in} = '';
		$each->{stalled} = 0;
		delete $each->{until};
		finish($each);
	}
	return;
}

sub reset_socket
{
	my ($socket) = @_;
	setsockopt($socket, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
	close $socket;
	return;
}

sub close_pair
{
	my ($pair, $by_reset) = @_;
	return if $pair->{closed}++;
	delete $pairs{$pair};
	foreach my $flow (@{ $pair->{flows} })
	{
		$by_reset ? reset_socket($flow->{from}) : close $flow->{from};
	}
	delete $_->{pair}, $_->{pair} = { closed => 1, flows => [] } foreach @{ $pair->{flows} };
	return;
}

1;
