namespace Singa.Actors.Runtime.Jobs;

/// <summary>Early stopping as a job's settings say it: <c>off</c>, <c>on</c> with the defaults, or an object with what differs.</summary>
internal static class StoppingReader
{
    public static EarlyStopping? Read(Setting stopping)
    {
        var plain = new EarlyStopping();
        if (!stopping.IsObject)
            return stopping.Flag() ? plain : null;
        stopping.Only("patience", "min-delta", "restore-best");
        return new EarlyStopping
        {
            Patience = (int?)stopping.Find("patience")?.Whole(1, int.MaxValue) ?? plain.Patience,
            MinDelta = stopping.Find("min-delta")?.Number(0, double.PositiveInfinity) ?? plain.MinDelta,
            RestoreBest = stopping.Find("restore-best")?.Flag() ?? plain.RestoreBest,
        };
    }
}
