using System.Collections.Concurrent;
using System.Diagnostics.Tracing;
using System.Reflection;

namespace Singa.Actors.Bench.Startup;

/// <summary>Listens for methods that are compiled while the program runs, and finds out which they are.</summary>
internal sealed class CompiledMethods : EventListener
{
    // The runtime's events of compiling, and those of them that name a method (its second version has the same first fields).
    private const EventKeywords Compiling = (EventKeywords)0x10;
    private const string Loaded = "MethodLoadVerbose";
    private const uint Dynamic = 1;

    // Events come some time after what they tell of.
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(2);

    // The runtime has no public way to ask a method for its type where that is generic.
    private const BindingFlags All = BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static;
    private static readonly MethodInfo Info = typeof(RuntimeMethodHandle).GetMethod("GetMethodInfo", All)!;
    private static readonly MethodInfo DeclaringType = typeof(RuntimeMethodHandle).GetMethods(All).Single(m => m.Name == "GetDeclaringType" && m.GetParameters()[0].ParameterType == Info.ReturnType);

    private readonly ConcurrentQueue<nint> methods = new();

    /// <summary>All so far.</summary>
    public IEnumerable<MethodBase> Stop()
    {
        Thread.Sleep(Late);
        Dispose();
        return methods.Distinct().Select(Find).OfType<MethodBase>().Where(m => m.DeclaringType?.Namespace?.StartsWith("System.Diagnostics.Tracing", StringComparison.Ordinal) == false);
    }

    protected override void OnEventSourceCreated(EventSource source)
    {
        if (source.Name == "Microsoft-Windows-DotNETRuntime")
            EnableEvents(source, EventLevel.Verbose, Compiling);
    }

    protected override void OnEventWritten(EventWrittenEventArgs data)
    {
        if (data.EventName?.StartsWith(Loaded, StringComparison.Ordinal) == true && data.Payload is [ulong id, _, _, _, _, uint flags, ..] && (flags & Dynamic) == 0)
            methods.Enqueue((nint)id);
    }

    /// <summary>The method itself: for shared generics, over the type that stands for all references.</summary>
    private static MethodBase? Find(nint id)
    {
        var handle = RuntimeMethodHandle.FromIntPtr(id);
        return DeclaringType.Invoke(null, [Info.Invoke(handle, null)]) is Type type ? MethodBase.GetMethodFromHandle(handle, type.TypeHandle) : null;
    }
}
