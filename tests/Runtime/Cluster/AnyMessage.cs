using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using Akka.Actor;
using Singa.Actors.Runtime.Data.Text;

namespace Singa.Actors.Runtime.Tests.Cluster;

/// <summary>Any instance of a message, field by field, from a seed; and what is in one, as text.</summary>
internal sealed class AnyMessage(int seed, IActorRef actor)
{
    private readonly Random random = new(seed);

    public object Of(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return random.Next(3) == 0 ? null! : Of(underlying);
        if (type == typeof(IActorRef))
            return random.Next(4) == 0 ? ActorRefs.Nobody : actor;
        if (type == typeof(string))
            return random.Next(6) == 0 ? "" : string.Concat(Enumerable.Range(0, random.Next(1, 20)).Select(_ => char.ConvertFromUtf32(random.Next(0x20, 0x2fff))));
        if (type == typeof(bool))
            return random.Next(2) == 0;
        if (type == typeof(double))
            return random.Next(8) == 0 ? double.NaN : (random.NextDouble() - 0.5) * 1e9;
        if (type == typeof(float))
            return random.Next(8) == 0 ? float.NegativeInfinity : (float)random.NextDouble();
        if (type == typeof(TimeSpan))
            return TimeSpan.FromTicks(random.NextInt64());
        if (type == typeof(DateTimeOffset))
            return new DateTimeOffset(2000 + random.Next(50), 1 + random.Next(12), 1, random.Next(24), 0, 0, TimeSpan.FromHours(random.Next(-8, 8)));
        if (type.IsEnum)
            return Enum.GetValues(type).GetValue(random.Next(Enum.GetValues(type).Length))!;
        if (type.IsPrimitive)
            return Convert.ChangeType(random.Next(type == typeof(byte) ? 256 : 10_000), type, CultureInfo.InvariantCulture);
        if (type == typeof(Vocabulary))
            return new Vocabulary(TextTokens.Characters, (string)Of(typeof(string)));
        if (type.IsArray)
        {
            var array = Array.CreateInstance(type.GetElementType()!, random.Next(5));
            for (int i = 0; i < array.Length; i++)
                array.SetValue(Of(type.GetElementType()!), i);
            return array;
        }

        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>) && random.Next(4) == 0)
            return Activator.CreateInstance(type)!;
        object instance = RuntimeHelpers.GetUninitializedObject(type);
        foreach (var field in Fields(type))
            field.SetValue(instance, field.FieldType.IsClass && field.FieldType != typeof(string) && random.Next(5) == 0 && IsNullable(field) ? null : Of(field.FieldType));
        return instance;
    }

    public static string Text(object? value)
    {
        var text = new StringBuilder();
        Write(value, text);
        return text.ToString();
    }

    private static bool IsNullable(FieldInfo field) => new NullabilityInfoContext().Create(field).ReadState == NullabilityState.Nullable;

    private static void Write(object? value, StringBuilder text)
    {
        switch (value)
        {
            case null or string or bool or TimeSpan or Enum or Vocabulary:
                text.Append(value ?? "null").Append(';');
                break;
            case IFormattable number when value.GetType().IsPrimitive:
                text.Append(number.ToString("R", CultureInfo.InvariantCulture)).Append(';');
                break;
            case DateTimeOffset time:
                text.Append(time.ToString("O", CultureInfo.InvariantCulture)).Append(';');
                break;
            case IActorRef reference:
                text.Append(reference.IsNobody() ? "nobody" : reference.Path.ToString()).Append(';');
                break;
            case Array array:
                text.Append('[');
                foreach (object? item in (IEnumerable)array)
                    Write(item, text);
                text.Append(']');
                break;
            default:
                text.Append(value.GetType().Name).Append('{');
                foreach (var field in Fields(value.GetType()))
                {
                    text.Append(field.Name).Append('=');
                    Write(field.GetValue(value), text);
                }

                text.Append('}');
                break;
        }
    }

    private static IEnumerable<FieldInfo> Fields(Type type) => type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
}
