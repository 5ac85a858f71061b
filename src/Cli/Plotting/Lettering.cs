using SkiaSharp;

namespace Singa.Actors.Cli.Plotting;

/// <summary>The fonts that this machine has.</summary>
internal static class Lettering
{
    private static readonly string[] Preferred = ["Inter", "Noto Sans", "Segoe UI", "Helvetica Neue", "Arial", "Liberation Sans", "DejaVu Sans"];

    private static readonly string[] Installed = [.. SKFontManager.Default.FontFamilies.Where(f => f.Length > 0)];

    /// <summary>False on a bare server: nothing can be written on a picture.</summary>
    public static bool Exists => Installed.Length > 0;

    /// <summary>A plain face among those there are.</summary>
    public static string Family => Preferred.FirstOrDefault(Installed.Contains) ?? Installed.FirstOrDefault("");
}
