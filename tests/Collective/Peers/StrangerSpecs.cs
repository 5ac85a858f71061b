using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using Singa.Actors.Collective.Peers;

namespace Singa.Actors.Collective.Tests.Peers;

/// <summary>Whoever does not belong here gets nowhere, and a job that runs meanwhile does not notice.</summary>
public sealed class StrangerSpecs
{
    private const string Secret = "correct horse battery";

    [Theory]
    [InlineData(null)]
    [InlineData(Secret)]
    public void Garbage_is_refused(string? secret) => WhileAJobRuns(secret, planes =>
    {
        using var stranger = Knock(planes[0]);
        stranger.Send(Enumerable.Repeat((byte)'x', 1000).ToArray());
        Refused(planes, "garbage");
        Assert.True(HangsUp(stranger));
    });

    [Fact]
    public void A_web_browser_is_refused() => WhileAJobRuns(Secret, planes =>
    {
        using var stranger = Knock(planes[0]);
        stranger.Send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8);
        Refused(planes, "garbage");
    });

    [Fact]
    public void Another_secret_is_refused_on_both_sides() => WhileAJobRuns(Secret, planes =>
    {
        using var stranger = DataPlane.Start(planes.Settings, PeerCredentials.OfSecret("another horse battery"));
        var probe = stranger.ProbeAsync(planes[0].Local, Planes.Patience).GetAwaiter().GetResult();
        Assert.Equal(PeerState.Silent, probe.State);
        Assert.Contains("another", probe.Reason);
        Refused(planes, "another secret");
    });

    [Fact]
    public void No_secret_is_refused_where_there_is_one_and_the_other_way_round() => WhileAJobRuns(Secret, planes =>
    {
        using var open = DataPlane.Start(planes.Settings, null);
        Assert.NotEqual(PeerState.Alive, open.ProbeAsync(planes[0].Local, TimeSpan.FromSeconds(1)).GetAwaiter().GetResult().State);
        Assert.NotEqual(PeerState.Alive, planes[0].ProbeAsync(open.Local, TimeSpan.FromSeconds(1)).GetAwaiter().GetResult().State);
        Refused(planes, "garbage");
        planes.Until(() => open.Refused.ContainsKey("garbage"), "the refusal of TLS without a secret");
    });

    [Fact]
    public void Tls_without_a_certificate_is_refused() => WhileAJobRuns(Secret, planes =>
    {
        using var socket = Knock(planes[0]);
        using var tls = new SslStream(new NetworkStream(socket), false, (_, _, _, _) => true);
        try
        {
            tls.AuthenticateAsClient("singa");
            _ = tls.ReadByte();
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
        }

        Refused(planes, "another secret");
    });

    [Fact]
    public void A_handshake_that_was_recorded_is_worth_nothing() => WhileAJobRuns(null, planes =>
    {
        using var honest = new Recorder(planes[0].Local.Port);
        using (var plane = DataPlane.Start(planes.Settings, null))
        {
            plane.KeepConnected("a job", [planes[0].Local with { Port = honest.Port }]);
            planes.Until(() => planes[0].IsConnected(plane.Local), "the connection that is recorded");
            plane.Kill();
        }

        using var stranger = Knock(planes[0]);
        stranger.Send(honest.Recorded);
        Refused(planes, "replayed handshake");
        Assert.True(HangsUp(stranger));
    });

    [Fact]
    public void An_oversized_frame_ends_its_connection() => WhileAJobRuns(null, planes =>
    {
        var frame = new FrameHeader { Kind = FrameKind.Row, Length = int.MaxValue };
        SendAsPeer(planes, frame);
        Refused(planes, "oversized frame");
    });

    [Fact]
    public void A_frame_of_no_generation_is_refused_and_counted() => WhileAJobRuns(null, planes =>
    {
        SendAsPeer(planes, new FrameHeader { Kind = FrameKind.Row, Group = 4711, Step = 3 });
        Refused(planes, "stale generation");
    });

    [Fact]
    public void A_frame_that_makes_no_sense_ends_its_connection() => WhileAJobRuns(null, planes =>
    {
        SendAsPeer(planes, new FrameHeader { Kind = (FrameKind)77 });
        Refused(planes, "malformed frame");
    });

    [Fact]
    public void Whoever_says_nothing_is_cut_off() => WhileAJobRuns(Secret, planes =>
    {
        using var stranger = Knock(planes[0]);
        Refused(planes, "handshake too slow");
        Assert.True(HangsUp(stranger));
    }, s => s with { HandshakeTimeout = TimeSpan.FromMilliseconds(300) });

    [Fact]
    public void Whoever_drips_bytes_is_cut_off() => WhileAJobRuns(null, planes =>
    {
        using var stranger = Knock(planes[0]);
        stranger.Send("SINGA/1\n"u8);
        stranger.Send([1]);
        Refused(planes, "handshake too slow");
        Assert.True(HangsUp(stranger));
    }, s => s with { HandshakeTimeout = TimeSpan.FromMilliseconds(300) });

    [Fact]
    public void A_flood_costs_bounded_memory_and_keeps_nobody_out() => WhileAJobRuns(Secret, planes =>
    {
        long before = GC.GetTotalMemory(forceFullCollection: true);
        List<Socket> flood = [];
        for (int i = 0; i < 400; i++)
            flood.Add(Knock(planes[0]));
        Refused(planes, "too many connections");
        planes.Until(() => planes[0].Refused["too many connections"] >= 400 - planes.Settings.StrangersPerAddress - 1, "room for the newest");
        using var friend = DataPlane.Start(planes.Settings, PeerCredentials.OfSecret(Secret));
        Assert.Equal(PeerState.Alive, friend.ProbeAsync(planes[0].Local, Planes.Patience).GetAwaiter().GetResult().State);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 16 << 20);
        foreach (var socket in flood)
            socket.Dispose();
    });

    [Fact]
    public void Only_this_machine_is_bound_without_a_secret()
    {
        var settings = DataPlaneSettings.From(null, "0.0.0.0", 0);
        Assert.Contains("needs the cluster's secret", Assert.Throws<DataPlaneException>(() => DataPlane.Start(settings, null)).Message);
        DataPlane.Start(settings, PeerCredentials.OfSecret(Secret)).Dispose();
    }

    [Fact]
    public void A_port_that_is_taken_is_named()
    {
        using var first = DataPlane.Start(DataPlaneSettings.From(null, "127.0.0.1", 0), null);
        var taken = DataPlaneSettings.From(null, "127.0.0.1", first.Local.Port);
        Assert.Contains($"the data port 127.0.0.1:{first.Local.Port} cannot be bound", Assert.Throws<DataPlaneException>(() => DataPlane.Start(taken, null)).Message);
    }

    private static void WhileAJobRuns(string? secret, Action<Planes> attack, Func<DataPlaneSettings, DataPlaneSettings>? change = null)
    {
        using var planes = new Planes(2, secret, change: change);
        var group = planes.Even();
        planes.Open(group);
        int steps = 0, failed = 0;
        bool enough = false;
        var job = new Thread(() =>
        {
            for (int step = 0; !Volatile.Read(ref enough); step++)
            {
                var rows = group.Bring(2, 5000, r => [.. Enumerable.Repeat(1f + r.First, 5000)]);
                var told = group.Members.Select(m => planes.Begin(group, step, m.Rank, 0, rows[m.Rank])).ToArray();
                SpinWait.SpinUntil(() => told.All(t => t.IsOver), Planes.Patience);
                failed += told.Any(t => !t.IsOver || t.Failure is not null) || rows.Any(r => r.Total[4999] != 3) ? 1 : 0;
                Interlocked.Increment(ref steps);
            }
        });
        job.Start();
        planes.Until(() => Volatile.Read(ref steps) > 2, "the job's first steps");
        attack(planes);
        int sofar = Volatile.Read(ref steps);
        planes.Until(() => Volatile.Read(ref steps) > sofar + 2, "steps after the attack");
        Volatile.Write(ref enough, true);
        Assert.True(job.Join(Planes.Patience));
        Assert.Equal(0, failed);
        Assert.DoesNotContain(planes.Losses.SelectMany(l => l.Told), l => planes.All.Any(p => p.Local == l.Peer));
    }

    private static Socket Knock(DataPlane plane)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = (int)Planes.Patience.TotalMilliseconds };
        socket.Connect(IPAddress.Loopback, plane.Local.Port);
        return socket;
    }

    private static void Refused(Planes planes, string reason) =>
        planes.Until(() => planes[0].Refused.GetValueOrDefault(reason) > 0, $"a refusal for {reason} among {string.Join(", ", planes[0].Refused)}");

    private static bool HangsUp(Socket socket)
    {
        try
        {
            byte[] bytes = new byte[4096];
            while (socket.Receive(bytes) > 0)
            {
            }

            return true;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode is SocketError.ConnectionReset;
        }
    }

    /// <summary>A peer that has shown who it is, and then misbehaves.</summary>
    private static void SendAsPeer(Planes planes, FrameHeader frame)
    {
        using var socket = Knock(planes[0]);
        var wire = new Wire(socket);
        wire.Block();
        var local = new PeerId("127.0.0.1", 9, 77);
        var answer = Handshake.DialAsync(wire, local, planes[0].Local, Purpose.Rounds, planes.Settings.SegmentBytes, () => true).GetAwaiter().GetResult();
        Assert.Equal(Answer.Welcome, answer);
        wire.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<FrameHeader>(in frame)));
        planes.Until(() => planes[0].IsConnected(local) || !planes[0].Refused.IsEmpty, "the connection");
        planes.Until(() => !planes[0].Refused.IsEmpty, "a refusal");
    }

    /// <summary>Stands between two and writes down what the caller says.</summary>
    private sealed class Recorder : IDisposable
    {
        private readonly TcpListener listener = new(IPAddress.Loopback, 0);
        private readonly List<byte> recorded = [];

        public Recorder(int port)
        {
            listener.Start();
            new Thread(() =>
            {
                using var caller = listener.AcceptSocket();
                using var called = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                called.Connect(IPAddress.Loopback, port);
                var back = new Thread(() => Pass(called, caller, null)) { IsBackground = true };
                back.Start();
                Pass(caller, called, recorded);
                back.Join();
            }) { IsBackground = true }.Start();
        }

        public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

        public byte[] Recorded
        {
            get
            {
                lock (recorded)
                    return [.. recorded];
            }
        }

        public void Dispose() => listener.Stop();

        private static void Pass(Socket from, Socket to, List<byte>? record)
        {
            byte[] bytes = new byte[4096];
            try
            {
                for (int count; (count = from.Receive(bytes)) > 0;)
                {
                    if (record is not null)
                    {
                        lock (record)
                            record.AddRange(bytes.AsSpan(0, count));
                    }

                    to.Send(bytes.AsSpan(0, count));
                }

                to.Shutdown(SocketShutdown.Send);
            }
            catch (SocketException)
            {
            }
        }
    }
}
