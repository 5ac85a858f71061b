using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Singa.Actors.Collective.Peers;

/// <summary>A socket that a <see cref="Poller"/> looks after. Called on its thread only.</summary>
internal interface IPolled
{
    Socket Socket { get; }

    bool WantsRead { get; }

    bool WantsWrite { get; }

    void OnReadable();

    void OnWritable();

    /// <summary>All sockets that were ready have been served.</summary>
    void OnTurnEnd();
}

/// <summary>
/// One thread for all sockets of a process: waits until some are ready, serves them, does what others have posted and what is due. Everything it
/// looks after belongs to this thread and needs no locks.
/// </summary>
internal sealed class Poller : IDisposable
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    private readonly Action<string> log;
    private readonly Thread thread;
    private readonly Socket bell;
    private readonly List<IPolled> polled = [];
    private readonly Dictionary<Socket, IPolled> bySocket = [];
    private readonly ConcurrentQueue<Action> posted = new();
    private readonly PriorityQueue<Action, long> due = new();
    private readonly List<Socket> reading = [], writing = [], failing = [];
    private int rung;
    private volatile bool stopping;

    public Poller(string name, Action<string> log)
    {
        this.log = log;
        bell = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { Blocking = false };
        bell.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        bell.Connect(bell.LocalEndPoint!);
        thread = new Thread(Run) { IsBackground = true, Name = name };
        thread.Start();
    }

    public bool IsCurrent => Thread.CurrentThread == thread;

    /// <summary>Runs <paramref name="action"/> on the poller's thread, at once if that is this one. After the end nothing runs any more.</summary>
    public void Post(Action action)
    {
        if (IsCurrent)
        {
            action();
            return;
        }

        posted.Enqueue(action);
        Ring();
    }

    /// <summary>Wakes the thread, so that it asks again what sockets are wanted for.</summary>
    public void Ring()
    {
        if (IsCurrent || Interlocked.Exchange(ref rung, 1) != 0)
            return;
        try
        {
            bell.Send([1], SocketFlags.None, out _);
        }
        catch (ObjectDisposedException)
        {
            // The thread has ended, and nobody is there to be woken.
        }
    }

    /// <summary>Poller's thread only.</summary>
    public void Schedule(TimeSpan after, Action action) => due.Enqueue(action, Stopwatch.GetTimestamp() + (long)(after.TotalSeconds * Stopwatch.Frequency));

    /// <summary>Poller's thread only.</summary>
    public void Add(IPolled socket)
    {
        polled.Add(socket);
        bySocket.Add(socket.Socket, socket);
    }

    /// <summary>Poller's thread only.</summary>
    public void Remove(IPolled socket)
    {
        if (bySocket.Remove(socket.Socket))
            polled.Remove(socket);
    }

    /// <summary>Ends the thread; what was posted before still runs.</summary>
    public void Dispose()
    {
        stopping = true;
        Ring();
        if (!IsCurrent)
            thread.Join();
    }

    private void Run()
    {
        while (!stopping || !posted.IsEmpty)
        {
            try
            {
                Turn();
            }
            catch (Exception e)
            {
                // A mistake of ours concerns one connection; the others go on.
                log($"the data plane's poller went on after {e}");
            }
        }

        foreach (var socket in polled)
            socket.Socket.Dispose();
        bell.Dispose();
    }

    private void Turn()
    {
        reading.Clear();
        writing.Clear();
        failing.Clear();
        reading.Add(bell);
        foreach (var socket in polled)
        {
            if (socket.WantsRead)
                reading.Add(socket.Socket);
            if (socket.WantsWrite)
            {
                writing.Add(socket.Socket);
                failing.Add(socket.Socket);
            }
        }

        Socket.Select(reading, writing, failing, Wait());
        foreach (var ready in failing)
        {
            if (bySocket.TryGetValue(ready, out var socket) && !writing.Contains(ready))
                socket.OnWritable();
        }

        foreach (var ready in writing)
        {
            if (bySocket.TryGetValue(ready, out var socket))
                socket.OnWritable();
        }

        foreach (var ready in reading)
        {
            if (ready == bell)
                Answer();
            else if (bySocket.TryGetValue(ready, out var socket))
                socket.OnReadable();
        }

        while (posted.TryDequeue(out var action))
            action();
        for (long now = Stopwatch.GetTimestamp(); due.TryPeek(out var action, out long at) && at <= now;)
        {
            due.Dequeue();
            action();
        }

        for (int i = polled.Count - 1; i >= 0; i--)
        {
            if (i < polled.Count)
                polled[i].OnTurnEnd();
        }
    }

    private TimeSpan Wait()
    {
        if (!posted.IsEmpty || stopping)
            return TimeSpan.Zero;
        if (!due.TryPeek(out _, out long at))
            return LongestWait;
        var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), at);
        return left < TimeSpan.Zero ? TimeSpan.Zero : left > LongestWait ? LongestWait : left + TimeSpan.FromMilliseconds(1);
    }

    private void Answer()
    {
        Span<byte> rings = stackalloc byte[16];
        while (bell.Receive(rings, SocketFlags.None, out var error) > 0 && error is SocketError.Success)
        {
        }

        Volatile.Write(ref rung, 0);
    }
}
