/// <summary>
/// Floods the thread pool of a process that .NET starts with this assembly in DOTNET_STARTUP_HOOKS, which looks for a class of this name without
/// a namespace: work that never ends, half of it busy, half of it blocked. It begins when the file named in <see cref="Variable"/> is there.
/// </summary>
internal static class StartupHook
{
    public const string Text = "32 busy items of 5 ms and 32 sleeping ones of 50 ms, each queued again when it ends";

    public const string Variable = "SINGA_BENCH_FLOOD";

    private const int Items = 32;

    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } file)
            new Thread(() => FloodAfter(file)) { IsBackground = true }.Start();
    }

    private static void FloodAfter(string file)
    {
        while (!File.Exists(file))
            Thread.Sleep(100);
        for (int i = 0; i < Items; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(Busy, null);
            ThreadPool.UnsafeQueueUserWorkItem(Sleeping, null);
        }
    }

    private static void Busy(object? state)
    {
        long end = Environment.TickCount64 + 5;
        while (Environment.TickCount64 < end)
            Thread.SpinWait(100);
        ThreadPool.UnsafeQueueUserWorkItem(Busy, null);
    }

    private static void Sleeping(object? state)
    {
        Thread.Sleep(50);
        ThreadPool.UnsafeQueueUserWorkItem(Sleeping, null);
    }
}
