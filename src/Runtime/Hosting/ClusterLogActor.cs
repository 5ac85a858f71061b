using System.Net;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Dispatch;
using Akka.Event;
using Microsoft.Extensions.Logging;
using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Cluster.Watching;

namespace Singa.Actors.Runtime.Hosting;

/// <summary>
/// Takes the system's log to the host's loggers: our actors say what happens, of what runs below them only warnings count, and of a handshake
/// that fails, some thirty lines of the transport's on both sides, one line and a count are left.
/// </summary>
internal sealed class ClusterLogActor : ReceiveActor, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    private const string Ours = "Singa.", Handshake = "handshake";

    private readonly ILogger log;
    private readonly Refusals refusals;

    public ClusterLogActor()
    {
        var setup = Context.System.Settings.Setup.Get<ClusterLogSetup>().Value;
        (log, refusals) = (setup.Loggers.CreateLogger("singa"), setup.Refusals);
        Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
        Receive<LogEvent>(Take);
    }

    private void Take(LogEvent entry)
    {
        var level = entry.LogLevel();
        if (entry.LogClass.Namespace == "Akka.Remote.Transport.DotNetty")
        {
            // The transport says everything twice and more; this is where it says that it refused somebody.
            if (level == Akka.Event.LogLevel.ErrorLevel && entry.Message.ToString() is { } text && text.StartsWith("TLS handshake failed", StringComparison.Ordinal))
                Refused(text, entry.Cause);
        }
        else if (entry.LogClass != typeof(ToldFailureDetector) && entry.LogClass.Namespace?.StartsWith(Ours, StringComparison.Ordinal) == true)
        {
            log.Log(Level(level), entry.Cause, "{Message}", entry.Message);
        }
        else if (entry.LogClass != typeof(ToldFailureDetector) && level >= Akka.Event.LogLevel.WarningLevel && !IsToldElsewhere(entry))
        {
            log.Log(Level(level), entry.Cause, "{Message} [{Source}]", entry.Message, entry.LogSource);
        }
    }

    /// <summary>Peers that come and go, which our own actors tell in fewer words, and that a new node does not know the coordinator yet.</summary>
    private static bool IsToldElsewhere(LogEvent entry)
    {
        string source = entry.LogClass.Namespace ?? "", text = entry.Message.ToString() ?? "";
        bool remoting = source.StartsWith("Akka.Remote", StringComparison.Ordinal) || entry.LogSource.StartsWith("remoting", StringComparison.Ordinal)
            || entry.LogSource.Contains("/system/endpointManager", StringComparison.Ordinal);
        return (remoting && !text.Contains("erializ", StringComparison.Ordinal)) || source.StartsWith("Akka.Cluster", StringComparison.Ordinal);
    }

    private void Refused(string text, Exception? cause)
    {
        long count = refusals.Count(Handshake);
        if (!Refusals.IsWorthALine(count))
            return;
        int from = text.IndexOf("->", StringComparison.Ordinal), to = text.IndexOf("(Id", StringComparison.Ordinal);
        string peer = from > 0 && to > from ? Address(text[(from + 2)..to].Trim().TrimEnd(']')) : "somebody";
        var inner = cause?.GetBaseException();
        log.LogWarning("a handshake with {Peer} was refused ({Count} so far): {Reason}", peer, count, FirstLine(inner?.Message ?? "no reason given"));
    }

    /// <summary>One of IPv4 is written as such, though it came to a socket that speaks both.</summary>
    private static string Address(string text) =>
        !IPEndPoint.TryParse(text, out var peer) ? text
        : peer.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(peer.Address.MapToIPv4(), peer.Port).ToString() : peer.ToString();

    private static string FirstLine(string text) => text.Split('\n')[0] is { Length: > 160 } line ? $"{line[..160]}…" : text.Split('\n')[0];

    private static Microsoft.Extensions.Logging.LogLevel Level(Akka.Event.LogLevel level) => level switch
    {
        Akka.Event.LogLevel.ErrorLevel => Microsoft.Extensions.Logging.LogLevel.Error,
        Akka.Event.LogLevel.WarningLevel => Microsoft.Extensions.Logging.LogLevel.Warning,
        Akka.Event.LogLevel.InfoLevel => Microsoft.Extensions.Logging.LogLevel.Information,
        _ => Microsoft.Extensions.Logging.LogLevel.Debug,
    };
}

/// <summary>What the log of a system needs to have when the system starts.</summary>
internal sealed class ClusterLogSetup(ILoggerFactory loggers, Refusals refusals) : Setup
{
    public ILoggerFactory Loggers => loggers;

    public Refusals Refusals => refusals;
}

/// <summary>Before the host's loggers listen and after they have gone nobody hears the system: standard output belongs to scripts.</summary>
internal sealed class SilentLogger : MinimalLogger
{
    protected override void Log(object message)
    {
    }
}
